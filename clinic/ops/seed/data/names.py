"""People's names, by where they are at home: given names of women, of men, and family names."""

PEOPLES: list[tuple[list[str], list[str], list[str]]] = [
    (
        ["Emily", "Charlotte", "Abigail", "Siobhán", "Megan", "Ruth"],
        ["Oliver", "George", "Callum", "Rhys", "Henry", "Eoin"],
        ["Thompson", "O'Connor", "Whitfield", "MacLeod", "Barnes", "Pryce"],
    ),
    (
        ["Lucía", "Martina", "Inés", "Ximena", "Valentina", "Pilar"],
        ["Mateo", "Joaquín", "Andrés", "Íñigo", "Sebastián", "Raúl"],
        ["García López", "Fernández", "Muñoz", "Rodríguez Peña", "Ibáñez", "Quiñones"],
    ),
    (
        ["Beatriz", "Conceição", "Larissa", "Inês", "Thaís"],
        ["João", "Gonçalo", "Caetano", "Thiago", "Vinícius"],
        ["da Silva", "Gonçalves", "Araújo", "Magalhães", "dos Santos"],
    ),
    (
        ["Élodie", "Camille", "Anaïs", "Noémie", "Solène"],
        ["Étienne", "Loïc", "Rémi", "Théo", "Jérôme"],
        ["Lefèvre", "Béranger", "Dufour", "N'Diaye", "Châtelain"],
    ),
    (
        ["Katharina", "Lieselotte", "Jule", "Annegret", "Bärbel"],
        ["Jürgen", "Matthias", "Lukas", "Götz", "Tillmann"],
        ["Müller", "Schäfer", "Weiß", "von der Heide", "Köhler"],
    ),
    (
        ["Astrid", "Sólveig", "Maja", "Åsa", "Inger"],
        ["Søren", "Håkan", "Jonas", "Eirík", "Mikkel"],
        ["Østergaard", "Lindström", "Bergström", "Þórsdóttir", "Nygård"],
    ),
    (
        ["Agnieszka", "Małgorzata", "Zofia", "Bożena", "Kinga"],
        ["Paweł", "Łukasz", "Grzegorz", "Michał", "Wojciech"],
        ["Wiśniewska", "Dąbrowski", "Zieliński", "Wójcik", "Kamiński"],
    ),
    (
        ["Eliška", "Ludmila", "Šárka", "Ivana", "Zdeňka"],
        ["Jiří", "Ondřej", "Marek", "Tomáš", "Luboš"],
        ["Novotný", "Dvořák", "Svobodová", "Kučera", "Hřebíček"],
    ),
    (
        ["Oksana", "Svitlana", "Iryna", "Nataliia", "Halyna"],
        ["Bohdan", "Andrii", "Taras", "Mykola", "Yevhen"],
        ["Shevchenko", "Kovalenko", "Melnyk", "Bondarenko", "Tkachuk"],
    ),
    (
        ["Elif", "Zeynep", "Gülşen", "Çiğdem", "Ayşe"],
        ["Emre", "Oğuz", "Çağlar", "Hüseyin", "Barış"],
        ["Yılmaz", "Demir", "Çelik", "Öztürk", "Şahin"],
    ),
    (
        ["Fatima", "Layla", "Amal", "Nour", "Rania"],
        ["Omar", "Yusuf", "Khaled", "Hassan", "Tariq"],
        ["al-Masri", "Haddad", "Ben Salah", "Khoury", "el-Amin"],
    ),
    (
        ["Shirin", "Parisa", "Mahsa", "Niloufar"],
        ["Reza", "Dariush", "Kaveh", "Behrouz"],
        ["Hosseini", "Rahimi", "Farahani", "Tehrani"],
    ),
    (
        ["Adaeze", "Folasade", "Ngozi", "Yetunde", "Chiamaka"],
        ["Chukwuemeka", "Olúwaṣeun", "Babatunde", "Ikenna", "Adébáyọ̀"],
        ["Okafor", "Adeyemi", "Nwosu", "Ọláwálé", "Eze"],
    ),
    (
        ["Hiwot", "Tigist", "Wanjiru", "Achieng", "Naliaka"],
        ["Tesfaye", "Dawit", "Kamau", "Otieno", "Barasa"],
        ["Gebremariam", "Bekele", "Mwangi", "Odhiambo", "Wekesa"],
    ),
    (
        ["Priya", "Ananya", "Lakshmi", "Meera", "Kavita"],
        ["Arjun", "Rajesh", "Venkatesh", "Sanjay", "Ishaan"],
        ["Raman", "Patel", "Chakraborty", "Subramanian", "Iyer"],
    ),
    (
        ["Ayesha", "Sana", "Bushra", "Mehwish"],
        ["Bilal", "Imran", "Usman", "Faisal"],
        ["Khan", "Chaudhry", "Qureshi", "Malik"],
    ),
    (
        ["Xiǎomíng", "Mei", "Lì", "Yùlán", "Jing"],
        ["Wei", "Jùn", "Hào", "Guówěi", "Lei"],
        ["Wáng", "Lǐ", "Zhang", "Chén", "Ouyang"],
    ),
    (
        ["Nguyệt", "Thảo", "Hương", "Linh"],
        ["Dũng", "Minh", "Tuấn", "Phúc"],
        ["Nguyễn", "Trần", "Phạm", "Đặng"],
    ),
    (
        ["Yuki", "Haruka", "Sakura", "Ayumi"],
        ["Kenji", "Shōta", "Daichi", "Ryō"],
        ["Tanaka", "Satō", "Kobayashi", "Ōno"],
    ),
    (
        ["Ji-woo", "Seo-yeon", "Min-ji", "Ha-eun"],
        ["Min-jun", "Do-yun", "Ji-hoon", "Sung-ho"],
        ["Kim", "Park", "Choi", "Lee"],
    ),
    (
        ["Leilani", "Mele", "Talia", "Losa"],
        ["Keanu", "Sione", "Tāne", "Malakai"],
        ["Kealoha", "Fa'asavalu", "Tūhoe", "Taufa"],
    ),
]
